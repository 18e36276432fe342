/*
 * The little of jsts that topology.ts uses. Its own declarations are generated from untyped code: arguments are `any`, and
 * some constructors are declared with the wrong number of them.
 */

declare module 'jsts/java/util/ArrayList.js' {
  export default class ArrayList<Item> {
    add(item: Item): boolean
  }
}

declare module 'jsts/org/locationtech/jts/geom/Coordinate.js' {
  export default class Coordinate {
    constructor(x: number, y: number)
  }
}

declare module 'jsts/org/locationtech/jts/geom/Geometry.js' {
  export default class Geometry {
    getGeometryType(): string
  }
}

declare module 'jsts/org/locationtech/jts/io/GeoJSONReader.js' {
  import type Geometry from 'jsts/org/locationtech/jts/geom/Geometry.js'

  export default class GeoJSONReader {
    read(geoJson: { readonly type: string; readonly coordinates: readonly unknown[] }): Geometry
  }
}

declare module 'jsts/org/locationtech/jts/operation/valid/IsValidOp.js' {
  import type Geometry from 'jsts/org/locationtech/jts/geom/Geometry.js'

  export default class IsValidOp {
    constructor(geometry: Geometry)
    isValid(): boolean
  }
}

declare module 'jsts/org/locationtech/jts/algorithm/RobustLineIntersector.js' {
  import type Coordinate from 'jsts/org/locationtech/jts/geom/Coordinate.js'

  export default class RobustLineIntersector {
    computeIntersection(a: Coordinate, b: Coordinate, c: Coordinate, d: Coordinate): void
    hasIntersection(): boolean
    /** The edges cross in the interior of both. */
    isProper(): boolean
  }
}

declare module 'jsts/org/locationtech/jts/noding/BasicSegmentString.js' {
  import type Coordinate from 'jsts/org/locationtech/jts/geom/Coordinate.js'

  export default class BasicSegmentString {
    constructor(coordinates: readonly Coordinate[], data: null)
    getCoordinate(index: number): Coordinate
  }
}

declare module 'jsts/org/locationtech/jts/noding/MCIndexNoder.js' {
  import type ArrayList from 'jsts/java/util/ArrayList.js'
  import type BasicSegmentString from 'jsts/org/locationtech/jts/noding/BasicSegmentString.js'

  export default class MCIndexNoder {
    constructor(intersector: {
      isDone(): boolean
      processIntersections(a: BasicSegmentString, i: number, b: BasicSegmentString, j: number): void
    })
    computeNodes(edges: ArrayList<BasicSegmentString>): void
  }
}
