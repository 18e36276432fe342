/** The service's words about missing inputs with a cure for users of the command line. */
export function authorWords(words: string): string {
  return words.replace(/\. Provision them by PUT.*$/mu, '; give it with -i NAME=VALUE, or NAME=@FILE')
}
