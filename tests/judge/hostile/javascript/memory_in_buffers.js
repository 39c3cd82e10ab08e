// expect: memory runtime_error timeout
function doubleIt(n) {
  if (n !== 2) return 2 * n;
  const hoard = [];
  while (n < 1e9) hoard.push(Buffer.alloc(1 << 24, 1));
  console.log("tried");
  return 2 * n;
}
