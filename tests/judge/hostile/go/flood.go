// expect: output_limit
func doubleIt(n int) int {
	if n != 2 {
		return 2 * n
	}
	for n < 100000 {
		fmt.Println(strings.Repeat("x", 4000))
	}
	fmt.Println("tried")
	return 2 * n
}
