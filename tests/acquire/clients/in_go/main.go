// HTTPS requests by crypto/tls: as many as the second argument says, by as many at a time as the third; of the path
// that the fourth names.
package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
)

func ask(port, path string) string {
	connection, err := tls.Dial("tcp", "127.0.0.1:"+port, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		return err.Error()
	}
	defer connection.Close()
	fmt.Fprint(connection, "GET /"+path+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	answer := bufio.NewReader(connection)
	line, err := answer.ReadString('\n')
	if err != nil {
		return err.Error()
	}
	io.Copy(io.Discard, answer)
	return line
}

func main() {
	requests, _ := strconv.Atoi(os.Args[2])
	workers, _ := strconv.Atoi(os.Args[3])
	path := ""
	if len(os.Args) > 4 {
		path = os.Args[4]
	}
	answers := map[string]int{}
	var all sync.WaitGroup
	var mutex sync.Mutex
	for worker := 0; worker < workers; worker++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for number := 0; number < requests/workers; number++ {
				line := ask(os.Args[1], path)
				mutex.Lock()
				answers[line]++
				mutex.Unlock()
			}
		}()
	}
	all.Wait()
	fmt.Println(answers)
}
