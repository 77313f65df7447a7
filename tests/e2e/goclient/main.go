// Command goclient asks a cluster as any program with client-go does: by a kubeconfig's context alone.
//
// goclient CONTEXT PATH prints the HTTP status of a GET; the kubeconfig is what KUBECONFIG says.
package main

import (
	"fmt"
	"os"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	status, err := ask(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(status)
}

func ask(context, path string) (int, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	loaded, err := rules.Load()
	if err != nil {
		return 0, err
	}
	if err := clientcmd.ConfirmUsable(*loaded, context); err != nil {
		return 0, err
	}
	chosen := clientcmd.NewNonInteractiveClientConfig(*loaded, context, &clientcmd.ConfigOverrides{}, rules)
	config, err := chosen.ClientConfig()
	if err != nil {
		return 0, err
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return 0, err
	}
	answer, err := client.Get(config.Host + path)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	return answer.StatusCode, nil
}
