/** Version of the service, as the console and the crates of runs show it: that of package.json, which a test compares. */
export const SERVICE_VERSION = '1.0.0'
