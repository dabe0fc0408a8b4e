// Builds libgearman and the C tool `gearman` with TLS, for the tests in test/src/interop/tls.test.ts: Debian's are
// built without. Debian's sources, compiled without their own configure, which would take a dozen more packages:
//
//   apt-get install g++ gperf libssl-dev dpkg-dev
//   node test/peers/build-libgearman-tls.js
//
// What it makes lies outside of the repository, in ~/.cache/geartrain or where GEARTRAIN_PEERS says, and is made once.
import { execFile, execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism, homedir, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'

/** Of these, the first one whose sources can be had. */
const releases = ['bookworm', 'trixie', 'sid']
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** Where it looks when no variable of the environment names a file. */
const defaultFiles = `#define GEARMAND_CA_CERTIFICATE "/etc/ssl/certs/gearmand-ca.pem"
#define GEARMAN_CLIENT_PEM "/etc/ssl/certs/gearman.pem"
#define GEARMAN_CLIENT_KEY "/etc/ssl/certs/gearman.key"
#define GEARMAND_SERVER_PEM "/etc/ssl/certs/gearmand.pem"
#define GEARMAND_SERVER_KEY "/etc/ssl/certs/gearmand.key"
#define SYSCONFDIR "/etc"
#define LOCALSTATEDIR "/var"
#define GEARMAND_PID "/var/gearmand.pid"
`

const target = join(process.env['GEARTRAIN_PEERS'] ?? join(homedir(), '.cache/geartrain'), 'libgearman-tls')
if (existsSync(join(target, 'gearman'))) {
  console.log(`libgearman with TLS is there: ${target}`)
} else {
  const workplace = mkdtempSync(join(tmpdir(), 'libgearman-'))
  try {
    const source = fetchSource(workplace)
    const made = join(workplace, 'made')
    await compile(source, made)
    rmSync(target, { recursive: true, force: true })
    mkdirSync(join(target, '..'), { recursive: true })
    execFileSync('cp', ['-r', made, `${target}.new`])
    renameSync(`${target}.new`, target)
    console.log(`libgearman with TLS is built from ${basename(source)}: ${target}`)
  } finally {
    rmSync(workplace, { recursive: true, force: true })
  }
}

/** With lists of packages of its own, so that those of the system stay as they are. */
function fetchSource(workplace) {
  for (const release of releases) {
    const place = join(workplace, release)
    mkdirSync(join(place, 'lists/partial'), { recursive: true })
    mkdirSync(join(place, 'cache'))
    const list = join(place, 'sources.list')
    writeFileSync(list, `deb-src [signed-by=${keyring}] http://deb.debian.org/debian ${release} main\n`)
    const dirs = {
      'Etc::sourcelist': list,
      'Etc::sourceparts': '-',
      'State::lists': `${place}/lists`,
      Cache: `${place}/cache`,
    }
    const options = Object.entries(dirs).flatMap(([name, value]) => ['-o', `Dir::${name}=${value}`])
    const apt = (...args) => execFileSync('apt-get', [...options, '-qq', ...args], { cwd: place, stdio: 'pipe' })
    try {
      apt('update')
      apt('source', 'gearmand')
    } catch (error) {
      console.log(
        `no sources of gearmand in ${release}: ${String(error.stderr ?? error)
          .trim()
          .split('\n')
          .at(-1)}`,
      )
      continue
    }
    const directory = readdirSync(place).find((name) => /^gearmand-[\d.]+/.test(name))
    if (directory !== undefined) return join(place, directory)
  }
  throw new Error('the sources of gearmand could not be had from any release of Debian')
}

async function compile(source, made) {
  const own = join(made, '../own')
  for (const directory of ['', 'libgearman', 'libgearman-1.0', 'libhashkit', 'libhashkit-1.0']) {
    mkdirSync(join(own, directory), { recursive: true })
  }
  mkdirSync(made)
  const [, version = ''] = /gearmand-([\d.]+)/.exec(source) ?? []
  writeFileSync(join(own, 'gear_config.h'), configuration(version))
  writeFileSync(join(own, 'configmake.h'), defaultFiles)
  writeFileSync(join(own, 'libhashkit/hashkitcon.h'), '#include "gear_config.h"\n')
  fill('libgearman-1.0/version.h', `${version}`)
  fill('libgearman-1.0/version.h', version, 'libgearman/version.h')
  fill('libhashkit-1.0/configure.h', '1')
  for (const table of ['command', 'error_code']) {
    const header = execFileSync('gperf', ['-CEDt', join(source, `libgearman/${table}.gperf`)])
    writeFileSync(join(own, `libgearman/${table}.hpp`), header)
  }

  const tool = ['bin/arguments.cc', 'bin/function.cc', 'bin/gearman.cc', 'bin/error.cc', 'util/pidfile.cc']
  const library = [...sourcesIn('libgearman/include.am'), ...sourcesIn('libhashkit/include.am')]
  const flags = ['-std=c++11', '-O1', '-fPIC', '-w', '-DBUILDING_LIBGEARMAN', '-DHAVE_VISIBILITY', '-I', own, '-I', '.']
  const objectOf = (file) => join(own, `${file.replaceAll('/', '_')}.o`)
  const waiting = [...library, ...tool]
  const builders = Array.from({ length: availableParallelism() }, async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const define = '-DCONFIG_HEADER="gear_config.h"'
      await promisify(execFile)('g++', [...flags, define, '-c', file, '-o', objectOf(file)], { cwd: source })
    }
  })
  await Promise.all(builders)
  const so = join(made, 'libgearman.so.8')
  const libraries = ['-lssl', '-lcrypto', '-lm']
  execFileSync('g++', ['-shared', '-Wl,-soname,libgearman.so.8', '-o', so, ...library.map(objectOf), ...libraries])
  execFileSync('g++', ['-o', join(made, 'gearman'), ...tool.map(objectOf), so, '-Wl,-rpath,$ORIGIN'])

  function fill(file, value, into = file) {
    const template = readFileSync(join(source, `${file}.in`), 'utf8')
    writeFileSync(join(own, into), template.replaceAll(/@\w*HEX@/g, '0x01001000').replaceAll(/@\w+@/g, value))
  }

  function sourcesIn(list) {
    const text = readFileSync(join(source, list), 'utf8')
    const found = new Set(text.match(/\blib(gearman|hashkit)\/[\w/]+\.cc/g))
    found.delete('libhashkit/hsieh.cc')
    return [...found]
  }
}

/** What configure would find on Linux. */
function configuration(version) {
  const headers = ['errno.h', 'inttypes.h', 'stddef.h', 'stdint.h', 'stdlib.h', 'string.h', 'strings.h']
  const more = ['sys/socket.h', 'sys/types.h']
  const found = ['DLFCN_H', 'ERRNO_H', 'FCNTL_H', 'GETOPT_H', 'NETINET_TCP_H', 'PIPE2', 'PWD_H', 'SIGNAL_H', 'STDIO_H']
  const alsoFound = ['STDLIB_H', 'STRING_H', 'SYS_RESOURCE_H', 'SYS_STAT_H', 'SYS_TYPES_H', 'UNISTD_H']
  const wanted = ['OPENSSL', 'SSL', 'FNV64_HASH', 'MURMUR_HASH']
  return [
    '#pragma once',
    '#ifndef _GNU_SOURCE\n#define _GNU_SOURCE\n#endif',
    '#define __STDC_FORMAT_MACROS',
    ...[...headers, ...more].map((header) => `#include <${header}>`),
    ...[...found, ...alsoFound, ...wanted].map((name) => `#define HAVE_${name} 1`),
    '#define INVALID_SOCKET -1',
    '#define SOCKET_ERROR -1',
    '#define closesocket(a) close(a)',
    '#define get_socket_errno() errno',
    '#define PACKAGE "gearmand"\n#define PACKAGE_NAME "gearmand"\n#define PACKAGE_BUGREPORT ""',
    `#define PACKAGE_VERSION "${version}"\n#define VERSION "${version}"\n`,
  ].join('\n')
}
