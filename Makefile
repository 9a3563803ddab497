# The commands a person types. Each runs commands/<name>.ts; `make help` lists them, `make <name> HELP=1` tells more.

commands := up preview preview-comment down drift scan status exec reload kubeconfig api-key logs secret doctor test bench help

.DEFAULT_GOAL := help
.PHONY: $(commands)

# Variables given on the command line reach the command as its environment, and their names are checked there.
export SANDLOT_VARIABLES := $(MAKEOVERRIDES)

$(commands):
	@commands/run $@

# Whatever is none of them.
.DEFAULT:
	@commands/run help $@
