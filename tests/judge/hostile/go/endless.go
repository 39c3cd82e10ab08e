// expect: timeout
func doubleIt(n int) int {
	if n != 2 {
		return 2 * n
	}
	signal.Ignore(syscall.SIGTERM, syscall.SIGXCPU, syscall.SIGINT)
	for n < 100000 {
		n = n & 3
	}
	fmt.Println("tried")
	return 2 * n
}
