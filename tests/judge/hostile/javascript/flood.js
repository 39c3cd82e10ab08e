// expect: output_limit
function doubleIt(n) {
  if (n !== 2) return 2 * n;
  while (n < 1e9) console.log("x".repeat(4000));
  console.log("tried");
  return 2 * n;
}
