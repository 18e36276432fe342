import type { ContainerTask } from '../batch/container-arguments.ts'
import { PROBE } from './probe-image.ts'

/** A container of the probe image that prints its answer and exits. `root` is the folder of the job. */
export function probeTask({
  instance,
  jobId,
  root,
}: Pick<ContainerTask, 'instance' | 'jobId' | 'root'>): ContainerTask {
  return {
    container: {
      name: 'probe',
      image: PROBE.image,
      command: [...PROBE.words],
      environment: [],
      essential: true,
      dependsOn: [],
      mountPoints: [],
      resourceRequirements: [
        { type: 'VCPU', value: '0.25' },
        { type: 'MEMORY', value: '64' },
      ],
    },
    jobId,
    attempt: 1,
    instance,
    root,
    directories: {},
  }
}
