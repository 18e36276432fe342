/** The service's message about missing inputs, with the advice replaced by one for the command line. */
export function authorWords(words: string): string {
  return words.replace(/\. Provision them by PUT.*$/mu, '; give it with -i NAME=VALUE, or NAME=@FILE')
}
