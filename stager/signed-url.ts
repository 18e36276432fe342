import { FinalError } from './retry.ts'

/** A presigned URL that can be renewed. */
export interface Link {
  current(): Promise<string>
  /** Requests a new URL, unless that was done since `stale` was returned. */
  renew(stale: string): Promise<void>
}

type Urls = ReadonlyMap<string, string>

/** Links that are requested together: however many have expired, one call renews all. */
export function createLinks(ask: () => Promise<Urls>, first?: Urls): (name: string) => Link {
  let urls: Promise<Urls> | undefined = first === undefined ? undefined : Promise.resolve(first)
  return (name) => ({
    async current() {
      urls ??= ask()
      const url = (await urls).get(name)
      if (url === undefined) throw new FinalError(`the App Engine no longer returns a URL for ${name}`)
      return url
    },

    async renew(stale) {
      const known = urls
      if ((await known)?.get(name) === stale && urls === known) urls = ask()
      await urls
    },
  })
}
