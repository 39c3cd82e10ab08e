// Package testing stands for the standard one in the tests: the real one is slow to build and to link.
package testing

import (
	"fmt"
	"os"
)

// T ends the process at the first failure: what comes after it cannot make a test pass again.
type T struct {
	wrong func()
}

func New(wrong func()) *T { return &T{wrong} }

func (t *T) Helper() {}

func (t *T) Log(values ...any) { fmt.Fprintln(os.Stderr, values...) }

func (t *T) Logf(format string, values ...any) { fmt.Fprintf(os.Stderr, format+"\n", values...) }

func (t *T) Fail() { t.wrong() }

func (t *T) FailNow() { t.wrong() }

func (t *T) Error(values ...any) {
	t.Log(values...)
	t.wrong()
}

func (t *T) Errorf(format string, values ...any) {
	t.Logf(format, values...)
	t.wrong()
}

func (t *T) Fatal(values ...any) { t.Error(values...) }

func (t *T) Fatalf(format string, values ...any) { t.Errorf(format, values...) }

func (t *T) Run(name string, test func(*T)) bool {
	test(t)
	return true
}
