/** Sends requests to receivers of webhooks. */
export interface Receivers {
  /**
   * Sends one POST.
   * @returns the status of the answer
   * @throws Error without an answer in time, or when the address must not be requested
   */
  post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<number>
}
