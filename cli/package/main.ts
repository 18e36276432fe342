#!/usr/bin/env node
import './node20.ts'
import '../main.ts'
