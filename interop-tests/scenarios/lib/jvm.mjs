// The JVM's wallets, which `mvn -q -B package` in peers/jvm builds.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { answerOf, newFolder, ROOT } from './process.mjs'

const FOLDER = join(ROOT, 'peers', 'jvm')
const LIBRARIES = join(FOLDER, 'target', 'lib')
const CLASSES = [join(FOLDER, 'target', 'classes'), join(LIBRARIES, '*')].join(':')
const pom = readFileSync(join(FOLDER, 'pom.xml'), 'utf8')
const version = (property) => new RegExp(`<${property}>(.*)</${property}>`).exec(pom)[1]

/** Why a scenario is not run, for a machine without a JDK; `cargo xtask test` says which packages bring it. */
export const SKIP = existsSync(LIBRARIES) ? false : 'not built: mvn -q -B package in peers/jvm'

export const JVM_PACKAGES = {
  eudi: `eudi-lib-jvm-openid4vci-kt ${version('eudi.openid4vci.version')}, eudi-lib-jvm-sdjwt-kt ${version('eudi.sdjwt.version')}`,
  multipaz: `multipaz-jvm ${version('multipaz.version')}`,
}

/** A wallet with a home of its own, or with one that another wallet has filled. */
export function newJvmWallet(name, { home = newFolder(`${name}-wallet`) } = {}) {
  const wallet = (verb, link, options) =>
    answerOf('java', ['-XX:TieredStopAtLevel=1', '-cp', CLASSES, 'MainKt', name, verb, link, '--home', home, ...options])
  return {
    home,
    accept: (link, { trustAnchorFile, caFile, txCode, copies, flags = [] }) =>
      wallet('accept', link, [
        ...trust(trustAnchorFile, caFile),
        ...(txCode === undefined ? [] : ['--tx-code', txCode]),
        ...(copies ? ['--copies', String(copies)] : []),
        ...flags,
      ]),
    present: (link, { trustAnchorFile, caFile }) => wallet('present', link, trust(trustAnchorFile, caFile)),
  }
}

const trust = (trustAnchorFile, caFile) => [
  ...(trustAnchorFile ? ['--trust-anchor', trustAnchorFile] : []),
  ...(caFile ? ['--tls-ca', caFile] : []),
]
