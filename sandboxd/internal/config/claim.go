package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// claimHash reads SANDBOXD_CLAIM_SHA256; nil when it is not set.
func claimHash(value string) ([]byte, error) {
	if value == "" {
		return nil, nil
	}
	hash, err := hex.DecodeString(value)
	if err != nil || len(hash) != sha256.Size {
		return nil, fmt.Errorf("SANDBOXD_CLAIM_SHA256 is %q; it must be the SHA-256 of the claim secret as 64 hexadecimal digits", value)
	}
	return hash, nil
}
