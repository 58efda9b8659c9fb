// The same in Go: BASE REFUSED AUTHORITY TRUTH.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

func main() {
	authority, _ := os.ReadFile(os.Args[3])
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	truth, _ := os.Create(os.Args[4])
	for _, fault := range []string{"close", "reset", "half-close", "half-reset", "nonsense", "silence", "busy", "refused"} {
		began, url := time.Now(), os.Args[1]+fault
		if fault == "refused" {
			url = os.Args[2] + fault
		}
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
		client := &http.Client{Timeout: time.Second, Transport: transport}
		response, err := client.Get(url)
		if err == nil {
			_, err = io.ReadAll(response.Body)
			if err == nil && response.StatusCode >= 500 {
				err = fmt.Errorf("HTTP status %d", response.StatusCode)
			}
			if err != nil {
				err = fmt.Errorf("Get %q: %w", url, err)
			}
		}
		if err != nil {
			fmt.Println("failed:", err)
		}
		line, _ := json.Marshal([]any{fault, float64(began.UnixNano()) / 1e9, float64(time.Now().UnixNano()) / 1e9, err != nil})
		fmt.Fprintln(truth, string(line))
	}
}
