// As src/plainwire/lab/clients/serial.py, with Go's net/http. FRESH in the environment: requests in each transport.
// Go has no libssl: the program writes its own key log, where SSLKEYLOGFILE says.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	host, port, authority, method := os.Args[1], os.Args[2], os.Args[3], os.Args[6]
	count, _ := strconv.Atoi(os.Args[4])
	timeout, _ := strconv.ParseFloat(os.Args[5], 64)
	size, _ := strconv.Atoi(os.Args[7])
	pauses := os.Args[8:]
	fresh, _ := strconv.Atoi(os.Getenv("FRESH"))
	pem, _ := os.ReadFile(authority)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	config := &tls.Config{RootCAs: pool}
	if name := os.Getenv("SSLKEYLOGFILE"); name != "" {
		config.KeyLogWriter, _ = os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	}
	transport := &http.Transport{TLSClientConfig: config}
	client := &http.Client{Transport: transport, Timeout: time.Duration(timeout * float64(time.Second))}
	failed := 0
	for number := 1; number <= count; number++ {
		target := fmt.Sprintf("/container/object-%d", number)
		if fresh > 0 && number > 1 && number%fresh == 1%fresh {
			transport.CloseIdleConnections()
		}
		var body io.Reader
		if size > 0 {
			body = strings.NewReader(strings.Repeat("x", size))
		}
		request, _ := http.NewRequest(method, "https://"+host+":"+port+target, body)
		response, err := client.Do(request)
		if err == nil {
			_, err = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		if err != nil {
			failed++
			fmt.Printf("%s %s: %v\n", method, target, err)
		} else if response.StatusCode != 200 {
			failed++
			fmt.Printf("%s %s: %s\n", method, target, response.Status)
		}
		if len(pauses) > 0 {
			pause, _ := strconv.ParseFloat(pauses[(number-1)%len(pauses)], 64)
			time.Sleep(time.Duration(pause * float64(time.Second)))
		}
	}
	transport.CloseIdleConnections()
	fmt.Printf("%d requests, %d failed\n", count, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
