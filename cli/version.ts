import packageJson from '../package.json' with { type: 'json' }

/** Version of the program, equal to that of the repository. */
export const VERSION: string = packageJson.version
