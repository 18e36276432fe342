import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Config } from './api/types.ts'

export const ConfigContext = createContext<Config>({
  mode: 'read-only',
  version: '',
  currency: 'USD',
  reusesOutputs: false,
})

export function useConfig(): Config {
  return useContext(ConfigContext)
}

/** Whether the page may change tasks and runs. The service checks this too. */
export function useMayChange(): boolean {
  return useConfig().mode === 'full'
}
