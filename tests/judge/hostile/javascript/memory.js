// expect: memory
function doubleIt(n) {
  if (n !== 2) return 2 * n;
  const hoard = [];
  while (n < 1e9) hoard.push(new Array(1 << 16).fill(hoard.length));
  console.log("tried");
  return 2 * n;
}
