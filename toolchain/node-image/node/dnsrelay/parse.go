package dnsrelay

import "strings"

// Parse separates the name servers of a resolv.conf from its other lines.
func Parse(content string) (servers, rest []string) {
	for _, line := range strings.Split(content, "\n") {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || strings.HasPrefix(fields[0], "#") || strings.HasPrefix(fields[0], ";"):
		case fields[0] == "nameserver" && len(fields) > 1:
			servers = append(servers, fields[1])
		default:
			rest = append(rest, strings.Join(fields, " "))
		}
	}
	return servers, rest
}
