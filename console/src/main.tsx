import { render } from 'preact'
import { App } from './app.tsx'
import './styles/base.css'
import './styles/layout.css'
import './styles/parts.css'
import './styles/tasks.css'
import './styles/forms.css'
import './styles/runs.css'
import './styles/sets.css'
import './styles/viewer.css'
import './styles/api.css'
import './styles/narrow.css'

const root = document.getElementById('app')
if (root !== null) render(<App />, root)
