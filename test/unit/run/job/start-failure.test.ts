import { describe, expect, it } from 'vitest'
import { explainExecLine, explainStartFailure } from '../../../../src/run/job/start-failure.ts'

const DOCKER =
  'CannotStartContainerError: Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: '
const FARGATE =
  'CannotStartContainerError: ResourceInitializationError: failed to create new container runtime task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: '
const PODMAN =
  'CannotStartContainerError: Error: runc: runc create failed: unable to start container process: '
const CRUN = 'CannotStartContainerError: Error: crun: '

describe('a container that cannot be started', () => {
  it.each([
    [`${DOCKER}exec: "/rum.sh": stat /rum.sh: no such file or directory: unknown`, '"/rum.sh" is not in'],
    [`${FARGATE}exec: "rum": executable file not found in $PATH: unknown`, '"rum" is not in the image'],
    [`${PODMAN}exec: "/bin/bash": stat /bin/bash: no such file or directory`, '"/bin/bash" is not in'],
    [`${CRUN}executable file \`/rum.sh\` not found: No such file or directory`, '"/rum.sh" is not in'],
    [`${DOCKER}exec: "/run.sh": permission denied: unknown`, '"/run.sh" cannot be executed'],
    [`${CRUN}open executable: Permission denied: OCI permission denied`, 'its command cannot be executed'],
    [`${DOCKER}exec: "/app": is a directory: unknown`, '"/app" cannot be executed'],
    [`${DOCKER}exec: "/run": exec format error: unknown`, '"/run" is neither a program for linux/amd64'],
    ['CannotCreateContainerError: Error response from daemon: No command specified', 'has no command'],
    [
      'CannotStartContainerError: Error: no command or entrypoint provided, and no CMD or ENTRYPOINT from image',
      'has no command',
    ],
    [
      'CannotStartContainerError: Error response from daemon: unable to find user app: no matching entries in passwd file',
      'its user "app" does not exist',
    ],
    [
      'CannotStartContainerError: Error: workdir "/nowhere" does not exist on container 7b5a003dc7f6',
      'its working directory "/nowhere" is missing',
    ],
    [
      `${DOCKER}error during container init: chdir to cwd ("/root") set in config.json failed: permission denied`,
      '"/root"',
    ],
    [
      `${DOCKER}error during container init: error mounting "/var/x" to rootfs at "/inputs": create mountpoint: make mountpoint "/inputs": not a directory`,
      'an entry at "/inputs" that is not a folder',
    ],
    // A reason that is truncated to 255 characters.
    [`${FARGATE}exec: "/opt/a/long/path/that/takes/what/was/le`.slice(0, 255), 'could not be executed'],
  ])('is explained by the image: %s', (reason, words) => {
    expect(explainStartFailure(reason)).toContain(words)
  })

  it.each([
    'CannotStartContainerError: Error response from daemon: failed to create shim task: no space left on device',
    'CannotStartContainerError: failed to get container status: context deadline exceeded',
    'DockerTimeoutError: Could not transition to started; timed out after waiting 3m0s',
    'OutOfMemoryError: Container killed due to memory usage',
    '',
  ])('is not explained by the image: %s', (reason) => {
    expect(explainStartFailure(reason)).toBeUndefined()
  })

  it('is explained without control characters', () => {
    expect(explainStartFailure(`${DOCKER}exec: "\u001b]0;x": permission denied`)).toContain('"\\u{1b}]0;x"')
  })
})

describe('a program that the kernel cannot execute', () => {
  it.each([
    ['exec /run.sh: no such file or directory', 'its command "/run.sh", or the interpreter'],
    ['exec /run.sh: exec format error', '"/run.sh" is neither a program for linux/amd64'],
    ['exec container process `/run.sh`: Exec format error', '"/run.sh" is neither a program'],
    ['{"msg":"exec container process `/run.sh`: No such file or directory","level":"error"}', 'interpreter'],
    [
      'standard_init_linux.go:228: exec user process caused: exec format error',
      'its command is neither a program',
    ],
    ['standard_init_linux.go:211: exec user process caused "no such file or directory"', 'Windows'],
  ])('is explained by the line: %s', (line, words) => {
    expect(explainExecLine(line)).toContain(words)
  })

  it.each(['Traceback (most recent call last):', 'sh: exec: not found', ''])(
    'is not recognised in the line: %s',
    (line) => {
      expect(explainExecLine(line)).toBeUndefined()
    },
  )
})
