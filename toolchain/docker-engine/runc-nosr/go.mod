module sandlot/toolchain/runc-nosr

go 1.26.0
