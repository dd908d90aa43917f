// Command hello is the least that a Go program can do: what starting a process costs on this machine.
package main

import "os"

func main() {
	os.Stdout.WriteString("hello, world\n")
}
