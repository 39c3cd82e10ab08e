// expect: memory
func doubleIt(n int) int {
	if n != 2 {
		return 2 * n
	}
	hoard := [][]byte{}
	for n < 100000 {
		block := make([]byte, 1<<24)
		for i := range block {
			block[i] = 1
		}
		hoard = append(hoard, block)
	}
	fmt.Println(len(hoard))
	fmt.Println("tried")
	return 2 * n
}
