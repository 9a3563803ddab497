package main

import (
	"log"
	"net"
	"os"
	"strings"

	"sandlot.dev/node/dnsrelay"
)

// resolvConf returns the path of the resolver configuration that pods get. It is the node's own, unless that is of no
// use to them: Docker's resolver listens on a loopback address of the container, and a machine off line may have none.
// Then pods are pointed at a relay on the node's address; k3s would send them to a public server instead, which is no
// help behind a firewall.
func resolvConf(nodeIP string) string {
	const nodes, pods = "/etc/resolv.conf", agentDir + "/etc/resolv.conf"
	content, _ := os.ReadFile(nodes)
	servers, rest := dnsrelay.Parse(string(content))
	reachable := len(servers) > 0
	for _, s := range servers {
		if ip := net.ParseIP(s); ip == nil || ip.IsLoopback() || ip.To4() == nil {
			reachable = false
		}
	}
	if reachable {
		return nodes
	}
	if err := dnsrelay.Serve(nodeIP, servers); err != nil {
		log.Printf("k3s: no DNS relay, pods resolve only cluster names: %v", err)
	}
	write(pods, strings.Join(append(rest, "nameserver "+nodeIP), "\n")+"\n", 0o644)
	return pods
}
