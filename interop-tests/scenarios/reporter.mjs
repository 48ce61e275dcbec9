// A reporter for node's test runner: one JSON line for each test that ended, for `table.mjs` to read.
export default async function* reporter(events) {
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    if (data.details?.type === 'suite') continue
    const reason = data.details?.error?.cause?.message ?? data.details?.error?.message
    yield `${JSON.stringify({
      name: data.name,
      file: data.file?.split('/').at(-1),
      passed: type === 'test:pass',
      skipped: data.skip !== undefined,
      reason: type === 'test:fail' ? reason?.split('\n')[0] : undefined,
    })}\n`
  }
}
