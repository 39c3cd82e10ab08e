// Package harness runs a program's tests and says what happened.
//
// Every package that holds an answer depends on this one, so the mark is read before any code of an answer runs.
package harness

import (
	"io"
	"os"

	"codem/harness/testing"
)

var (
	word []byte
	out  = os.Stdout
)

func init() {
	word, _ = io.ReadAll(os.Stdin)
}

// Run ends the process with the mark and `end`, or with the mark and `wrong` at the first test that fails.
func Run(tests ...func(*testing.T)) {
	mark := word
	word = nil
	say := func(status string, code int) {
		if _, err := out.WriteString("\n" + string(mark) + " " + status + "\n"); err != nil {
			code = 1
		}
		os.Exit(code)
	}
	t := testing.New(func() { say("wrong", 1) })
	for _, test := range tests {
		test(t)
	}
	say("end", 0)
}

// Check makes the function that tests call with what must be true.
func Check(t *testing.T) func(bool) {
	return func(ok bool) {
		if !ok {
			t.FailNow()
		}
	}
}
