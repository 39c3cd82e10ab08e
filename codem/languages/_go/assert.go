// Package assert has the checks of testify that benchmarks use, under its rules of what is equal.
package assert

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"strings"

	"codem/harness/testing"
)

type Assertions struct {
	t *testing.T
}

func New(t *testing.T) *Assertions { return &Assertions{t} }

func (a *Assertions) check(ok bool, format string, values ...any) bool {
	if !ok {
		a.t.Errorf(format, values...)
	}
	return ok
}

// equal: types count, nil and empty slices differ, except that bytes are compared as bytes.
func equal(expected, actual any) bool {
	if expected == nil || actual == nil {
		return expected == actual
	}
	left, isBytes := expected.([]byte)
	if !isBytes {
		return reflect.DeepEqual(expected, actual)
	}
	right, isBytes := actual.([]byte)
	return isBytes && (left == nil) == (right == nil) && bytes.Equal(left, right)
}

func isFunction(value any) bool { return value != nil && reflect.TypeOf(value).Kind() == reflect.Func }

func isNil(value any) bool {
	if value == nil {
		return true
	}
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.Chan, reflect.Func, reflect.Interface, reflect.Map, reflect.Ptr, reflect.Slice, reflect.UnsafePointer:
		return v.IsNil()
	}
	return false
}

func (a *Assertions) Equal(expected, actual any, _ ...any) bool {
	ok := !isFunction(expected) && !isFunction(actual) && equal(expected, actual)
	return a.check(ok, "expected %#v, found %#v", expected, actual)
}

func (a *Assertions) NotEqual(expected, actual any, _ ...any) bool {
	ok := !isFunction(expected) && !isFunction(actual) && !equal(expected, actual)
	return a.check(ok, "expected anything but %#v", actual)
}

func (a *Assertions) True(value bool, _ ...any) bool {
	return a.check(value, "expected true, found false")
}

func (a *Assertions) False(value bool, _ ...any) bool {
	return a.check(!value, "expected false, found true")
}

func (a *Assertions) Nil(value any, _ ...any) bool {
	return a.check(isNil(value), "expected nil, found %#v", value)
}

func (a *Assertions) NotNil(value any, _ ...any) bool {
	return a.check(!isNil(value), "expected anything but nil")
}

// number: any kind of number, and nothing else.
func number(value any) (float64, bool) {
	if value == nil {
		return 0, false
	}
	v := reflect.ValueOf(value)
	switch {
	case v.CanInt():
		return float64(v.Int()), true
	case v.CanUint():
		return float64(v.Uint()), true
	case v.CanFloat():
		return v.Float(), true
	}
	return 0, false
}

func (a *Assertions) InDelta(expected, actual any, delta float64, _ ...any) bool {
	left, isNumber := number(expected)
	right, isNumberToo := number(actual)
	bothNaN := math.IsNaN(left) && math.IsNaN(right)
	ok := isNumber && isNumberToo && (bothNaN || math.Abs(left-right) <= delta)
	return a.check(ok, "expected %v, give or take %v, found %v", expected, delta, actual)
}

// InEpsilon: the error is relative to what was expected, which must not be zero.
func (a *Assertions) InEpsilon(expected, actual any, epsilon float64, _ ...any) bool {
	left, isNumber := number(expected)
	right, isNumberToo := number(actual)
	bothNaN := math.IsNaN(left) && math.IsNaN(right)
	ok := isNumber && isNumberToo && (bothNaN || left != 0 && math.Abs(left-right)/math.Abs(left) <= epsilon)
	return a.check(ok, "expected %v, give or take a share of %v, found %v", expected, epsilon, actual)
}

func length(value any) (int, bool) {
	if value == nil {
		return 0, false
	}
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.Array, reflect.Chan, reflect.Map, reflect.Slice, reflect.String:
		return v.Len(), true
	}
	return 0, false
}

func (a *Assertions) Len(value any, expected int, _ ...any) bool {
	found, ok := length(value)
	return a.check(ok && found == expected, "expected %d elements, found %#v", expected, value)
}

func (a *Assertions) Contains(container, element any, _ ...any) bool {
	return a.check(contains(container, element), "expected %#v to contain %#v", container, element)
}

func contains(container, element any) bool {
	if container == nil {
		return false
	}
	v := reflect.ValueOf(container)
	switch v.Kind() {
	case reflect.String:
		return element != nil && reflect.TypeOf(element).Kind() == reflect.String &&
			strings.Contains(v.String(), reflect.ValueOf(element).String())
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if equal(key.Interface(), element) {
				return true
			}
		}
	case reflect.Array, reflect.Slice:
		for i := 0; i < v.Len(); i++ {
			if equal(v.Index(i).Interface(), element) {
				return true
			}
		}
	}
	return false
}

// ElementsMatch: the same elements the same number of times, in any order; two empty lists of any kind match.
func (a *Assertions) ElementsMatch(expected, actual any, _ ...any) bool {
	return a.check(sameElements(expected, actual), "expected the elements of %v, found %v", text(expected), text(actual))
}

func sameElements(expected, actual any) bool {
	left, right := elements(expected), elements(actual)
	if len(left) != len(right) {
		return false
	}
next:
	for _, wanted := range left {
		for i, found := range right {
			if equal(wanted, found) {
				right = append(right[:i:i], right[i+1:]...)
				continue next
			}
		}
		return false
	}
	return (expected == nil || isList(expected)) && (actual == nil || isList(actual))
}

func isList(value any) bool {
	kind := reflect.TypeOf(value).Kind()
	return kind == reflect.Array || kind == reflect.Slice
}

func elements(value any) []any {
	var found []any
	if value != nil && isList(value) {
		for v, i := reflect.ValueOf(value), 0; i < v.Len(); i++ {
			found = append(found, v.Index(i).Interface())
		}
	}
	return found
}

func text(value any) string { return fmt.Sprintf("%#v", value) }
