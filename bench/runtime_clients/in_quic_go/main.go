// client PORT [told]: one HTTP/3 request by quic-go, or what it is told, as driven.py.
package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/quic-go/quic-go/http3"
)

func opened() *http.Client {
	return &http.Client{Transport: &http3.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
}

func ask(client *http.Client) {
	answer, err := client.Get("https://127.0.0.1:" + os.Args[1] + "/")
	if err != nil {
		fmt.Println(err)
		return
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	fmt.Println(answer.StatusCode)
}

func main() {
	kept := opened()
	if len(os.Args) == 2 {
		ask(kept)
		return
	}
	fmt.Println("ready")
	for words := bufio.NewScanner(os.Stdin); words.Scan(); {
		if words.Text() == "new" {
			kept = opened()
		}
		ask(kept)
	}
}
