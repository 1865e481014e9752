package main

import "syscall"

// staUnsync is the kernel's STA_UNSYNC: no time server has told it the time for
// long.
const staUnsync = 0x40

// clockIsKept asks the kernel whether a time server keeps the machine's clock.
func clockIsKept() (bool, error) {
	var now syscall.Timex // asks for no change
	_, err := syscall.Adjtimex(&now)
	return now.Status&staUnsync == 0, err
}
