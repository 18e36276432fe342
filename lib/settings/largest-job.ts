/** Machines of a queue on EC2, from the settings. */
interface Machines {
  readonly largest: { readonly vcpus: number; readonly memoryGib: number }
  readonly diskGib: number
}

/** Share of an instance's memory for system and ECS agent. A job that requests more than the rest is never placed. */
const KEPT_MEMORY_SHARE = 0.06
/** Disk for the system, the ECS agent and one copy of the images. */
const KEPT_DISK_GIB = 20

/** Returns the largest job on the largest instance type. */
export function largestJobOf({ largest, diskGib }: Machines) {
  return {
    vcpus: largest.vcpus,
    memoryMib: Math.floor(largest.memoryGib * 1024 * (1 - KEPT_MEMORY_SHARE)),
    diskGib: Math.max(1, diskGib - KEPT_DISK_GIB),
  }
}
