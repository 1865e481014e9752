//go:build !linux

package main

import "errors"

// clockIsKept is not known elsewhere.
func clockIsKept() (bool, error) { return false, errors.New("only Linux tells") }
