/** Sends requests to receivers of webhooks. */
export interface Receivers {
  /**
   * Sends one POST.
   * @returns the status of the response
   * @throws Error when there is no response in time, or the address must not be requested
   */
  post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<number>
}
