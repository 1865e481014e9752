package pgtest

// LockProgram lets tests wait until the server has seen a program die.
const LockProgram = lockProgram
