// The store that servers run on: that of their data folder, or what LANYARD_TEST_STORE names.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'

/** The address of a database with nothing in it on the server that `with-postgres` started; none where it did not. */
export function newDatabase() {
  if (process.env.LANYARD_TEST_STORE !== 'postgres') return undefined
  const superuser = process.env.LANYARD_TEST_POSTGRES
  const name = `peers_${randomBytes(8).toString('hex')}`
  const statement = `CREATE DATABASE ${name} OWNER lanyard TEMPLATE template0`
  execFileSync('psql', ['--quiet', '--no-psqlrc', '--dbname', superuser, '--command', statement])
  return superuser.replace('user=admin', 'user=lanyard').replace('dbname=postgres', `dbname=${name}`)
}
