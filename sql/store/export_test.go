package store

// EncodeCopy lets tests compare what is sent with what the server would send.
var EncodeCopy = encodeCopy
