#!/bin/sh
echo "Hello from $(hostname), Linux $(uname -r)"
