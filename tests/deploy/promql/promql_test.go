// Package promql runs a script of Prometheus' own promqltest, on standard input, as a program.
package promql

import (
	"io"
	"os"
	"testing"

	"github.com/prometheus/prometheus/promql/promqltest"
)

func TestScript(t *testing.T) {
	script, err := io.ReadAll(os.Stdin)
	if err != nil {
		t.Fatal(err)
	}
	promqltest.RunTest(t, string(script), promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery))
}
