// Starts itself and others in all ways that Go has, also where that fails, and prints what the started ones see.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unsafe"
)

const (
	children = 24
	workers  = 6
)

// look prints who traces this process, its signals, its descriptors, and with whose rights it runs.
func look() {
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		name, value, _ := strings.Cut(line, ":")
		set, _ := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		switch name {
		case "TracerPid":
			fmt.Println(line)
		case "SigBlk", "SigIgn":
			fmt.Printf("%s: %x\n", name, set&0x7fffffff) // the C library's posix_spawn ignores its own above
		}
	}
	for number := 0; number < 64; number++ {
		var found syscall.Stat_t
		if syscall.Fstat(number, &found) == nil && found.Mode&syscall.S_IFMT != 0 { // epoll's own have no kind
			fmt.Print(number, " ")
		}
	}
	fmt.Println("as", os.Geteuid())
}

func run(words ...string) int {
	command := exec.Command(words[0], words[1:]...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := command.Run(); command.ProcessState == nil {
		fmt.Println(err)
		return 127
	}
	return command.ProcessState.ExitCode()
}

// many starts children side by side, and prints each different thing that they said.
func many(self string) {
	said := map[string]int{}
	var all sync.WaitGroup
	var mutex sync.Mutex
	for worker := 0; worker < workers; worker++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for number := 0; number < children/workers; number++ {
				output, err := exec.Command(self, "look").CombinedOutput()
				mutex.Lock()
				said[fmt.Sprint(string(output), err)]++
				mutex.Unlock()
			}
		}()
	}
	all.Wait()
	texts := []string{}
	for text, times := range said {
		texts = append(texts, fmt.Sprint(times, " times: ", text))
	}
	sort.Strings(texts)
	fmt.Println(texts)
}

// forbidSockets has the kernel kill this process for socket(2): what it must not be made to call.
func forbidSockets() {
	type instruction struct {
		code    uint16
		yes, no uint8
		value   uint32
	}
	filter := []instruction{
		{0x20, 0, 0, 0},                  // the call's number
		{0x15, 0, 1, syscall.SYS_SOCKET}, // is it socket?
		{0x06, 0, 0, 0x80000000},         // kill the process
		{0x06, 0, 0, 0x7fff0000},         // allow
	}
	program := struct {
		count uint16
		first *instruction
	}{uint16(len(filter)), &filter[0]}
	const noNewPrivileges, seccomp, allThreads = 38, 317, 1
	syscall.RawSyscall6(syscall.SYS_PRCTL, noNewPrivileges, 1, 0, 0, 0, 0)
	if _, _, err := syscall.RawSyscall(seccomp, 1, allThreads, uintptr(unsafe.Pointer(&program))); err != 0 {
		fmt.Println("seccomp:", err)
	}
}

func main() {
	self, _ := os.Executable()
	how := "all"
	if len(os.Args) > 1 {
		how = os.Args[1]
	}
	switch how {
	case "look":
		look()
	case "run":
		os.Exit(run(os.Args[2:]...))
	case "exec":
		fmt.Println(syscall.Exec(os.Args[2], os.Args[2:], os.Environ()))
	case "wait": // for a line in a file, then as run
		os.ReadFile(os.Args[2])
		os.Exit(run(os.Args[3:]...))
	case "sandbox":
		forbidSockets()
		os.Exit(run(os.Args[2:]...))
	case "all":
		look()
		fmt.Println(run(self, "look"), run("/bin/sh", "-c", "exit 3"), run(self, "run", "/bin/echo", "said"))
		fmt.Println(run("/no/such/program"), run("/"), run("/etc/passwd"), run(self, "sandbox", self, "look"))
		os.Setenv("EMPTY", "")
		many(self)
		fmt.Println(syscall.Exec("/no/such/program", []string{"x"}, nil))
		fmt.Println(syscall.Exec(self, []string{"other name", "look"}, []string{}))
	}
}
