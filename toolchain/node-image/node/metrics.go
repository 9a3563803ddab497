package main

import (
	"log"
	"net"
	"time"
)

// metricsPort is metrics-server's, on the loopback address: the API server, which alone calls it, is in the same process.
const metricsPort = "10253"

// startMetricsServer returns when it listens. Its API is registered after that: one that does not answer is looked at again
// only seconds later, and keeps namespaces from being deleted.
func startMetricsServer(c components) {
	c.start("metrics-server")
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", metricsPort)); err == nil {
			conn.Close()
			return
		}
	}
	log.Print("k3s: metrics-server does not listen yet")
}
