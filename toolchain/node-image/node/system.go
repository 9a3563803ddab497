package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
)

// run runs a program and logs its failure.
func run(in io.Reader, name string, args ...string) error {
	var out bytes.Buffer
	c := exec.Command(name, args...)
	c.Stdin, c.Stdout, c.Stderr = in, &out, &out
	err := c.Run()
	if err != nil {
		log.Printf("k3s: %s %v: %v: %s", name, args, err, out.String())
	}
	return err
}

func write(path, body string, mode os.FileMode) {
	must(os.MkdirAll(filepath.Dir(path), 0o755))
	must(os.WriteFile(path, []byte(body), mode))
	must(os.Chmod(path, mode))
}

func orElse(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

// must ends the node: what fails at start cannot be worked around.
func must(err error) {
	if err != nil {
		panic(fmt.Sprint("k3s: ", err))
	}
}
