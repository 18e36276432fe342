/** Version of the service, shown by the console and in the crates of runs. A test compares it with package.json. */
export const SERVICE_VERSION = '1.0.0'
