import './node20.ts'
import '../main.ts'
