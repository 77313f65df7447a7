// A cluster that follows a folder of manifests, by Argo CD's own sync engine: what its application controller does
// with an Application that syncs by itself, prunes and heals itself, without Argo CD around it.
//
// It syncs when it is told to: POST /sync?revision=COMMIT answers when the sync is over, with what it did.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"

	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the cluster, as an administrator")
	folder := flag.String("folder", "", "the folder of manifests")
	application := flag.String("application", "", "whose the objects are, as Argo CD's tracking annotation names it")
	flag.Parse()
	if err := serve(*kubeconfig, *folder, *application); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func serve(kubeconfig, folder, application string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	// The default is made for a cluster that others use too.
	config.QPS, config.Burst = 200, 400
	app := newApp(config, folder, application)
	if err := app.cache.EnsureSynced(); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var turn sync.Mutex
	http.HandleFunc("/sync", func(writer http.ResponseWriter, request *http.Request) {
		turn.Lock()
		defer turn.Unlock()
		writer.Header().Set("Content-Type", "application/json")
		answer := app.sync(request.Context(), request.URL.Query().Get("revision"))
		if err := json.NewEncoder(writer).Encode(answer); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
		}
	})
	fmt.Printf("listening on %s\n", listener.Addr())
	return http.Serve(listener, nil)
}
