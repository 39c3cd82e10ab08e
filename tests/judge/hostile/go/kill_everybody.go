// expect: passed runtime_error
func doubleIt(n int) int {
	if n != 2 {
		return 2 * n
	}
	for _, whom := range []int{-1, 1, os.Getppid()} {
		for _, number := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGKILL} {
			if whom != 0 {
				syscall.Kill(whom, number)
			}
		}
	}
	fmt.Println("tried")
	return 2 * n
}
