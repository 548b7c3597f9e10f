/** What `roots` depend on, then each of them, all once. Walks without recursion: graphs are deep. */
export function inOrder<T>(roots: readonly T[], dependencies: (of: T) => readonly T[], known: readonly T[] = []): T[] {
  const order: T[] = [...known]
  const seen = new Set<T>(known)
  const stack: { readonly of: T; readonly needs: readonly T[]; next: number }[] = []
  const visit = (of: T): void => {
    if (seen.has(of)) return
    seen.add(of)
    stack.push({ of, needs: dependencies(of), next: 0 })
  }
  for (const root of roots) {
    visit(root)
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      if (top.next < top.needs.length) visit(top.needs[top.next++]!)
      else order.push(stack.pop()!.of)
    }
  }
  return order
}
