// The same as driven.py, in Go.
package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	var connection *tls.Conn
	var answers *bufio.Reader
	fmt.Println("ready")
	words := bufio.NewScanner(os.Stdin)
	for words.Scan() {
		if words.Text() == "new" {
			made, err := tls.Dial("tcp", "127.0.0.1:"+os.Args[1], &tls.Config{InsecureSkipVerify: true})
			if err != nil {
				fmt.Println(err)
				continue
			}
			if connection != nil {
				connection.Close()
			}
			connection, answers = made, bufio.NewReader(made)
		}
		fmt.Fprint(connection, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			fmt.Println(err)
			continue
		}
		io.Copy(io.Discard, answer.Body)
		fmt.Println(answer.StatusCode)
	}
}
