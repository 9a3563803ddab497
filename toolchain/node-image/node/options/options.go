// Package options reads the command line the way k3s does: --name=value, --name value, --name.
package options

import "strings"

// Options holds every value given for a flag, by the flag's name without dashes. Flags that k3s knows and this node
// does not are kept and ignored, so that a container made for k3s starts here unchanged.
type Options map[string][]string

// Parse reads a command line.
func Parse(args []string) Options {
	o := Options{}
	for i := 0; i < len(args); i++ {
		name, value, assigned := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		if !assigned && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
			i++
			value = args[i]
		}
		if strings.HasSuffix(name, "-arg") { // handed on to a component: its commas are its own
			o[name] = append(o[name], value)
		} else {
			o[name] = append(o[name], strings.Split(value, ",")...)
		}
	}
	return o
}

// Last returns the value given last for a flag, else the fallback.
func (o Options) Last(name, fallback string) string {
	if values := o[name]; len(values) > 0 {
		return values[len(values)-1]
	}
	return fallback
}
