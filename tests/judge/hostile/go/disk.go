// expect: passed
func doubleIt(n int) int {
	if n != 2 {
		return 2 * n
	}
	wrote := 0
	for i := 0; i < 2000; i++ {
		if os.WriteFile(fmt.Sprintf("/tmp/%d", i), make([]byte, 1<<20), 0600) != nil {
			break
		}
		wrote++
	}
	if wrote > 100 {
		fmt.Println("WROTE")
	}
	fmt.Println("tried")
	return 2 * n
}
